-- One row per oddity of cells in accepted rows, most frequent first: how many, and the first row.
with named as (

    select
        rowid as record,
        unnest(string_split(odd, chr(10))) as oddity
    from temp.checked
    where reasons is null and odd is not null

),

final as (

    select
        oddity,
        count(*) as cells,
        min(record) as first_record
    from named
    group by oddity

)

select * from final
order by cells desc, oddity;
