-- One row per nudge of, and call to, the enrolments of $ids: whether it is a draft, and when the person was contacted.
with shown as (

    select unnest($ids::text[]) as learner_id

),

contacts as (

    select
        nudges.learner_id,
        nudges.status = 'draft' as is_draft,
        case
            when nudges.status not in ('approved', 'queued', 'sent', 'delivered') then null
            when nudges.sent_at <= $now then nudges.sent_at
            else nudges.approved_at
        end as contacted_at
    from shown
    inner join published_nudges as nudges on shown.learner_id = nudges.learner_id

    union all

    select
        events.learner_id,
        false as is_draft,
        events.timestamp as contacted_at
    from shown
    inner join events on shown.learner_id = events.learner_id
    where events.type = 'phone_call'

),

final as (

    select
        learner_id,
        is_draft,
        -- what is after $now has not happened yet
        case when contacted_at <= $now then contacted_at end as contacted_at
    from contacts

)

select * from final;
