-- One row per act of a learner, each once, with what its rule says; whose an enrolment is stands where it begins.
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

doubled as (

    -- by their hashes, which need little memory; who stands here by chance is the first of one
    select hash(id) as said
    from read_parquet(getvariable('acts'))
    where why is null and id is not null
    group by hash(id)
    having count(*) > 1

),

firsts as (

    select
        acts.id,
        min(acts.line) as line
    from read_parquet(getvariable('acts')) as acts
    inner join doubled on hash(acts.id) = doubled.said
    where acts.why is null
    group by acts.id

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
