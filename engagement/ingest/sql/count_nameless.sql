-- One row: how many refused rows do not say for certain whose they are.
with unclear as (

    select rowid as record
    from temp.checked
    where reasons is not null and (starts_with(reasons, 'row: ') or not says_whose(id, reasons))

),

-- a record that is no row may have been cut within its id, or begun with something else: only a known one counts
unknown as (

    select fields.record
    from fields_of_not_rows as fields
    left join learners on fields.is_id and fields.text = learners.id
    group by fields.record
    having count(learners.id) = 0

),

final as (

    select (select count(*) from unclear) + (select count(*) from unknown) as nameless

)

select * from final;
