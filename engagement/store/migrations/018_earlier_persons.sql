-- Whose an enrolment is may be set right later. What was written about a person before, such as the arm of an
-- experiment, is about whoever has the enrolments of that time today.
create table earlier_persons (
    learner_id text not null,
    person_id text not null,
    until timestamp not null
);

comment on table earlier_persons is
'(P) One row per enrolment and person that it was said to be of before; kept as long as the enrolment.';
comment on column earlier_persons.learner_id is '(P) The enrolment.';
comment on column earlier_persons.person_id is '(P) Who it was said to be of.';
comment on column earlier_persons.until is 'When a load said otherwise, UTC.';

-- What was drafted for them tells it of the loads before this version, and whoever names no person is one.
insert into earlier_persons
with said as (

    select
        learner_id,
        person_id
    from nudges

    union

    select
        learner_id,
        person_id
    from quizzes

    union

    select
        person_id as learner_id,
        person_id
    from assignments
    where person_id not in (select of_today.person_id from learners as of_today)

)

select
    said.learner_id,
    said.person_id,
    coalesce(loads.loaded_at, timestamp 'infinity') as until
from said
inner join learners on said.learner_id = learners.id
left join loads on learners.load_id = loads.load_id
where said.person_id <> learners.person_id;


-- Who is meant by a person of an assignment: of the enrolments that were theirs then; where clocks have gone back and
-- none was, of those that ever were. Most persons are who they were: only the others are looked at closely, for an
-- experiment may have a million.
create view assigned_persons as
with known as (

    select
        assignments.*,
        assignments.run_id is null or runs.published_at is not null as is_published
    from assignments
    left join runs on assignments.run_id = runs.run_id

),

unchanged as (

    select
        known.*,
        learners.person_number
    from known
    inner join learners on known.person_id = learners.person_id and learners.number = learners.person_number
    where known.person_id not in (select earlier_persons.person_id from earlier_persons)

),

spans as (

    select
        learner_id,
        person_id,
        lag(until, 1, timestamp '-infinity') over (partition by learner_id order by until) as since,
        until
    from earlier_persons

    union all

    select
        learners.id as learner_id,
        learners.person_id,
        coalesce(max(earlier_persons.until), timestamp '-infinity') as since,
        timestamp 'infinity' as until
    from learners
    left join earlier_persons on learners.id = earlier_persons.learner_id
    where learners.person_id in (select ever.person_id from earlier_persons as ever)
    group by learners.id, learners.person_id

),

candidates as (

    select
        known.*,
        learners.person_number,
        known.assigned_at between spans.since and spans.until as was_theirs
    from known
    inner join spans on known.person_id = spans.person_id
    inner join learners on spans.learner_id = learners.id
    where known.person_id in (select earlier_persons.person_id from earlier_persons)

),

changed as (

    select distinct * exclude (was_theirs)
    from candidates
    qualify was_theirs or not bool_or(was_theirs) over (partition by experiment_id, person_id, run_id)

),

together as (

    select * from unchanged
    union all
    select * from changed

),

final as (

    select
        *,
        true as is_first
    from together
    where person_number not in (select changed.person_number from changed)

    union all

    select
        *,
        row_number() over (
            partition by experiment_id, person_number
            order by is_published desc, assigned_at, arm, person_id
        ) = 1 as is_first
    from together
    where person_number in (select changed.person_number from changed)

)

select * from final;

comment on view assigned_persons is '(P) One row per assignment and person of today whom it is about.';
comment on column assigned_persons.person_number is '(P) The number of the first enrolment of the person; to join by.';
comment on column assigned_persons.is_published is 'Whether the run that assigned them is published.';
comment on column assigned_persons.is_first is 'False where who is one person today was assigned before, as another.';

create or replace view published_assignments as
select * from assigned_persons
where is_published and is_first;

comment on view published_assignments is
'(P) One row per experiment and person of today: the first assignment by a run that is published.';

-- Whoever waits in any of their assignments waits.
create macro waiting_persons(instant) as table
    select
        person_number,
        max(assigned_at) as assigned_at
    from assigned_persons
    where is_published and arm = 'control' and assigned_at <= instant and ends_at > instant
    group by person_number;
