-- One row per record that cannot be split into the header's columns, with every reason.
create or replace temp table rejected as
select
    line as record,
    list(distinct case error_type
        when 'MISSING COLUMNS' then 'row: fewer columns than the header'
        when 'TOO MANY COLUMNS' then 'row: more columns than the header'
        when 'UNQUOTED VALUE' then 'row: a quote in the wrong place'
        else 'row: cannot be split into columns'
    end) as reasons
from csv_errors
group by line;
