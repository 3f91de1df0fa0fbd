-- One row per parsed row with the record it was: the records that were not rejected, in order.
create or replace temp table raw as
with kept as (

    select
        record,
        row_number() over (order by record) as parsed_row
    from places
    where record not in (select rejected.record from rejected)

),

final as (

    select
        kept.record,
        parsed.* exclude (parsed_row)
    from parsed
    inner join kept on parsed.parsed_row = kept.parsed_row

)

select * from final;
