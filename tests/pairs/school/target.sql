CREATE TABLE teachers (id serial PRIMARY KEY, code varchar(8) NOT NULL UNIQUE, salutation varchar(20), given_name varchar(60) NOT NULL, family_name varchar(60) NOT NULL, email varchar(120), job_title varchar(60), employed_from date, employed_to date);
CREATE TABLE courses (id serial PRIMARY KEY, code varchar(10) NOT NULL, term_code varchar(10) NOT NULL, name varchar(150) NOT NULL, teacher_id int NOT NULL REFERENCES teachers, capacity_max int, capacity_min int, stage int, fee numeric(8,2), UNIQUE (code, term_code));
CREATE TABLE students (id serial PRIMARY KEY, admission_number int NOT NULL UNIQUE, first_name varchar(60) NOT NULL, last_name varchar(60) NOT NULL, gender char(1), date_of_birth date NOT NULL,
    father_name varchar(100), mother_name varchar(100), father_phone varchar(20), mother_phone varchar(20), weight_kg numeric(5,1), height_cm int, is_active boolean);
CREATE TABLE enrollments (student_id int NOT NULL REFERENCES students, course_id int NOT NULL REFERENCES courses, enrolled_on date NOT NULL, mark varchar(2), score numeric(5,2), passed boolean, PRIMARY KEY (student_id, course_id));
CREATE TABLE library_books (isbn varchar(13) PRIMARY KEY, title varchar(200) NOT NULL, author_name varchar(120), available_copies int NOT NULL, total_copies int NOT NULL);
CREATE TABLE job_titles (id int PRIMARY KEY, title varchar(60) NOT NULL);
INSERT INTO job_titles VALUES (1, 'Head');
