"""The differential oracle of the data layer: one schema, many requests, asked of a real PostgREST and of our own client.

schema.sql       the database: relations of every kind, values of every type, odd names, policies, functions
asked.py         Case (a request as a callable on a client) and its name
areas/           the cases, by area
outcome.py       what came of a case, as a value that compares strictly
sides.py         the sides: PostgREST behind the public client, ours sync, ours async
meant.py         the differences that are meant, each with its reason; docs/oracle.md tells them
differences.py   how they are checked and told
generated.py     requests that hypothesis makes
"""
