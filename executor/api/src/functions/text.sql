-- Functions over text.

CREATE MACRO skein_fn.initcap(string) AS
  list_aggregate(list_transform(regexp_extract_all(lower(CAST(string AS VARCHAR)), '[\pL\pN]+|[^\pL\pN]+'),
    lambda word: upper(word[1]) || word[2:]), 'string_agg', '');
