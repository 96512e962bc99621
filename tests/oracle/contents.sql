-- By written table: its rows as one text, with the position of its sequence.
SELECT 'categories', coalesce(string_agg('categories ' || t::text, E'\n' ORDER BY t::text), '') || '' FROM categories t
UNION ALL SELECT 'items', coalesce(string_agg('items ' || t::text, E'\n' ORDER BY t::text), '') || (SELECT E'\nsequence ' || last_value || is_called FROM items_id_seq) FROM items t
UNION ALL SELECT 'stock', coalesce(string_agg('stock ' || t::text, E'\n' ORDER BY t::text), '') || '' FROM stock t
UNION ALL SELECT 'loners', coalesce(string_agg('loners ' || t::text, E'\n' ORDER BY t::text), '') || '' FROM loners t
UNION ALL SELECT 'numbered', coalesce(string_agg('numbered ' || t::text, E'\n' ORDER BY t::text), '') || (SELECT E'\nsequence ' || last_value || is_called FROM numbered_id_seq) FROM numbered t
UNION ALL SELECT 'guarded', coalesce(string_agg('guarded ' || t::text, E'\n' ORDER BY t::text), '') || '' FROM guarded t
UNION ALL SELECT 'tags_of', coalesce(string_agg('tags_of ' || t::text, E'\n' ORDER BY t::text), '') || '' FROM tags_of t
UNION ALL SELECT 'partial', coalesce(string_agg('partial ' || t::text, E'\n' ORDER BY t::text), '') || '' FROM partial t
UNION ALL SELECT '"Odd Writes"', coalesce(string_agg('Odd Writes ' || t::text, E'\n' ORDER BY t::text), '') || '' FROM "Odd Writes" t
UNION ALL SELECT 'defaulted', coalesce(string_agg('defaulted ' || t::text, E'\n' ORDER BY t::text), '') || '' FROM defaulted t
UNION ALL SELECT 'diaries', coalesce(string_agg('diaries ' || t::text, E'\n' ORDER BY t::text), '') || '' FROM diaries t
UNION ALL SELECT 'pages', coalesce(string_agg('pages ' || t::text, E'\n' ORDER BY t::text), '') || '' FROM pages t
UNION ALL SELECT 'staff', coalesce(string_agg('staff ' || t::text, E'\n' ORDER BY t::text), '') || '' FROM staff t
