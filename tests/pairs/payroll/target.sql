CREATE TABLE departments (department_code varchar(10) PRIMARY KEY, department_name varchar(100) NOT NULL, parent_department_code varchar(10), manager_employee_number int);
CREATE TABLE employees (employee_number int PRIMARY KEY, full_name varchar(100) NOT NULL, birth_date date, gender char(1), address_line_1 varchar(100), address_line_2 varchar(100),
    work_phone varchar(30), home_phone varchar(30), department_code varchar(10) NOT NULL REFERENCES departments, manager_employee_number int REFERENCES employees, termination_date date, hire_date date NOT NULL,
    base_salary numeric(10,2), is_active boolean NOT NULL, is_part_time boolean, bank_account varchar(34), created_at timestamptz, updated_at timestamptz);
CREATE TABLE payslips (employee_number int REFERENCES employees, pay_month char(6), net_amount numeric(12,2) NOT NULL, gross_amount numeric(12,2) NOT NULL, tax_amount numeric(12,2) NOT NULL, hours_worked numeric(6,2),
    status text NOT NULL CHECK (status IN ('draft', 'approved', 'paid')), PRIMARY KEY (employee_number, pay_month));
CREATE TABLE leave_requests (request_id int PRIMARY KEY, employee_number int NOT NULL REFERENCES employees, end_date date NOT NULL, start_date date NOT NULL, requested_on date, approved_by int REFERENCES employees, reason varchar(200), deleted boolean NOT NULL DEFAULT false);
