-- One row per enrolment whose person was contacted since $since (ever, where it is null): its number, and when last.
create or replace temp table contacts as
with contacted as (

    select
        nudges.learner_id,
        -- what was sent after $now was only approved then
        case when nudges.sent_at <= $now then nudges.sent_at else nudges.approved_at end as contacted_at
    from published_nudges as nudges
    where nudges.status in ('approved', 'queued', 'sent', 'delivered')

    union all

    select
        learner_id,
        timestamp as contacted_at
    from events
    where type = 'phone_call'

),

persons as (

    select
        learners.person_number,
        max(contacted.contacted_at) as last_contact_at
    from contacted
    inner join learners on contacted.learner_id = learners.id
    where contacted.contacted_at <= $now and ($since is null or contacted.contacted_at > $since)
    group by learners.person_number

),

final as (

    select
        learners.number,
        persons.last_contact_at
    from persons
    inner join learners on persons.person_number = learners.person_number

)

select * from final;
