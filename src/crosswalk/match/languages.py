"""Words of other languages than English that stand in names of columns and tables, by what they mean.

General vocabulary: people, places, trade, time. A name that needs it is a likeness, never the same name,
so that nothing is accepted by a translation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

_LINES: Final = """
customer kunde kunden klient cliente clientes kliyent клиент клиенты покупатель
employee mitarbeiter angestellter empleado empleados employé сотрудник сотрудники sotrudnik
user benutzer nutzer usuario usuarios utilisateur пользователь пользователи polzovatel
person personen persona personas personne человек
supplier lieferant lieferanten proveedor proveedores fournisseur поставщик postavshik
product artikel produkt produkte producto productos produit produits товар товары tovar tovary изделие
order bestellung bestellungen auftrag auftraege pedido pedidos commande commandes заказ заказы zakaz zakazy
invoice rechnung rechnungen factura facturas facture factures счет счёт
line position zeile posten linea ligne позиция
category kategorie kategorien categoria catégorie категория kategoriya
department abteilung abteilungen departamento département отдел otdel
company firma firmen unternehmen empresa empresas société entreprise компания организация
number nummer nr numero número номер nomer
code kennung schluessel codigo código код
name nombre nom имя название наименование nazvanie naimenovanie bezeichnung benennung
forename vorname vornamen prenom prénom имя imya
surname nachname familienname zuname apellido apellidos фамилия familiya
patronymic отчество otchestvo
salutation anrede tratamiento civilité обращение
birth geburt geburtsdatum geburtstag nacimiento naissance рождения рождение rozhdeniya rozhdenie
gender geschlecht sexo genero sexe пол
street strasse straße calle rue улица ulitsa
postcode postleitzahl plz индекс
city ort stadt ciudad ville город gorod
country land pais país страна strana
address adresse anschrift direccion dirección адрес adres
phone telefon telefono teléfono telephone téléphone rufnummer телефон
mobile mobil handy movil móvil мобильный
email correo courriel почта
date datum fecha дата
day dia día jour день
year jahr año année год
month monat mois месяц
time zeit uhrzeit hora heure время
start beginn anfang inicio début начало
end ende fin конец окончание
create erstellt angelegt erfasst creado créé создан создано sozdan sozdaniya создания
update geaendert geändert aktualisiert modificado modifié изменен изменён обновлен
delete udalen udaleno geloescht gelöscht eliminado supprimé удален удалён
active aktiv activo actif активен
blocked gesperrt bloqueado bloqué заблокирован
price preis precio prix цена tsena cena
amount betrag montant сумма summa
total gesamt gesamtbetrag итого
net netto neto
gross brutto bruto
tax steuer impuesto impôt taxe налог
vat mwst umsatzsteuer ust iva tva ндс
discount rabatt descuento remise скидка
quantity menge anzahl stueck cantidad quantité количество kolichestvo
stock bestand lagerbestand existencias остаток
warehouse lager almacen almacén entrepôt склад sklad
weight gewicht peso poids вес ves
height hoehe höhe altura hauteur высота
width breite ancho largeur ширина
length laenge länge longitud longueur длина
description beschreibung descripcion descripción описание opisanie
comment bemerkung kommentar anmerkung comentario commentaire remarque комментарий примечание
note notiz nota заметка
status zustand estado état статус состояние
type typ tipo тип вид
due faellig fällig frist vencimiento échéance срок
paid bezahlt gezahlt pagado payé оплачен
salary gehalt lohn sueldo salario salaire зарплата оклад
position stelle puesto poste должность
teacher lehrer profesor enseignant учитель преподаватель
student schueler schüler estudiante alumno élève étudiant ученик студент
course kurs curso cours курс
grade note nota оценка
title titel titulo título titre заголовок
author autor auteur автор
book buch libro livre книга
text inhalt texto texte текст
account konto cuenta compte
payment zahlung pago paiement оплата платеж платёж
purchase einkauf ek compra achat закупка
sell verkauf vk venta vente продажа
minimum mindest
unit einzel einheit unidad unité единица
value wert valor valeur значение
image bild imagen фото
language sprache idioma langue язык
contract vertrag contrato contrat договор
"""

FOREIGN: Final[Mapping[str, str]] = {
    word: line.split()[0]
    for line in reversed(_LINES.strip().splitlines())
    for word in line.split()[1:]
    if word not in {"tag", "note", "land", "fin", "position", "text", "code"}
}
"""The English word by a word of another language; words that are English as well are left out."""

STEMS: Final[Mapping[str, str]] = {
    word[: len(word) - cut]: meant
    for cut in (2, 1, 0)
    for word, meant in FOREIGN.items()
    if not word.isascii() and len(word) - cut >= 4
}
"""Beginnings of words of other scripts, whose ends change with case and number."""

LINKS: Final = ("", "s", "n", "es", "en", "e")
"""What stands between the parts of a compound."""
