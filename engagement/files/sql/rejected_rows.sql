-- One row per record that cannot be split into the header's columns: its number in the file, with every reason.
with named as (

    select
        line as record,
        case error_type
            when 'MISSING COLUMNS' then 'row: fewer columns than the header'
            when 'TOO MANY COLUMNS' then 'row: more columns than the header'
            when 'UNQUOTED VALUE' then 'row: a quote in the wrong place'
            else 'row: cannot be split into columns'
        end as reason
    from csv_errors

),

final as (

    select
        record,
        list_sort(list_distinct(list(reason))) as reasons
    from named
    group by record

)

select * from final
order by record;
