-- One row per enrolment whose person was contacted since $since (ever, where it is null): its number, and when last.
create or replace temp table contacts as
with persons as (

    select
        learners.person_number,
        max(contacts_made.contacted_at) as last_contact_at
    from contacts_made
    inner join learners on contacts_made.learner_id = learners.id
    where
        contacts_made.contacted_at <= $now
        and ($since is null or contacts_made.contacted_at > $since)
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
