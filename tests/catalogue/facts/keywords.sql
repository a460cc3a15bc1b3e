-- One line for each word of PostgreSQL's grammar: its category, and whether it may be a label without AS.
SELECT concat_ws(' ', k.word, k.catcode, k.barelabel) FROM pg_get_keywords() AS k ORDER BY k.word
