"""The salon assistant's data layer: 21 methods over seven repositories, which speak to the old or to the new database.

    SalonData      the methods; each answers an envelope and never raises       (salon)
    opened         the same over real databases, the side chosen by the flags   (opening)

It stands on `crosswalk.data` alone and knows neither SQL nor HTTP nor the new schema's names.
"""
