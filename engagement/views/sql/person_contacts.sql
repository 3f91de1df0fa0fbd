-- One row: when the person behind a learner was contacted last and how often in seven days, by $now, through any of
-- their enrolments; and how many approved messages to them wait to be sent.
with enrolments as (

    select id
    from learners
    where person_number in (select asked.person_number from learners as asked where asked.id = $id)

),

contacts as (

    select contacts_made.contacted_at
    from contacts_made
    inner join enrolments on contacts_made.learner_id = enrolments.id
    where contacts_made.contacted_at <= $now

),

final as (

    select
        (select max(contacted_at) from contacts) as last_contact_at,
        (select count(*) from contacts where contacted_at > $now - interval 7 days) as contacts_in_7_days,
        (
            select count(*)
            from published_nudges
            inner join enrolments on published_nudges.learner_id = enrolments.id
            where published_nudges.status in ('approved', 'queued')
        ) as approved_messages

)

select * from final;
