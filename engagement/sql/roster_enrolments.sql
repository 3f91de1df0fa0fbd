-- One row per enrolment of the $persons: whether it opted out, has a draft that waits, and when it was last contacted.
with enrolments as (

    select
        id,
        person_number,
        contact_opt_out
    from learners
    where person_number in (select unnest($persons::integer[]))

),

contacted as (

    select
        learner_id,
        status = 'draft' as is_draft,
        case
            when status not in ('approved', 'queued', 'sent', 'delivered') then null
            when sent_at <= $now then sent_at
            else approved_at
        end as contacted_at
    from published_nudges
    where learner_id in (select enrolments.id from enrolments)

    union all

    select
        learner_id,
        false as is_draft,
        timestamp as contacted_at
    from events
    where type = 'phone_call' and learner_id in (select enrolments.id from enrolments)

),

final as (

    select
        enrolments.id,
        enrolments.person_number,
        any_value(enrolments.contact_opt_out) as opted_out,
        coalesce(bool_or(contacted.is_draft), false) as draft,
        max(contacted.contacted_at) filter (where contacted.contacted_at <= $now) as last_contact_at
    from enrolments
    left join contacted on enrolments.id = contacted.learner_id
    group by enrolments.id, enrolments.person_number

)

select * from final;
