-- One row per act of a learner, each once, with what its rule says; whose an enrolment is stands where it begins.
create or replace temp view of_learners as
with acts as (

    select
        said.*,
        ruled.* exclude (verb, object, profile, alone, scored, acts)
    from read_parquet(getvariable('acts')) as said
    inner join ruled
        on
            said.verb = ruled.verb
            and said.object = ruled.object
            and said.profile = ruled.profile
            and said.alone = ruled.alone
            and said.scored = ruled.scored
    where said.why is null

),

enrolled as (

    select
        enrolment_id,
        min(who) as who
    from acts
    where enrolment_id is not null and who is not null
    group by enrolment_id

),

firsts as (

    select
        id,
        min(line) as line
    from acts
    where id is not null
    group by id

),

final as (

    select
        acts.* exclude (who),
        coalesce(acts.who, enrolled.who) as who,
        coalesce(firsts.line < acts.line, false) as is_again
    from acts
    left join enrolled on acts.enrolment_id = enrolled.enrolment_id
    left join firsts on acts.id = firsts.id

)

select * from final;
