-- One row: how old the scores of $programs (null: all) are, those of the program that was scored longest ago, and since
-- when their newest facts are known. No run without scores, and none of other programs, makes them look younger.
with scored as (

    select
        learners.program,
        max(struct_pack(as_of := runs.as_of, published_at := runs.published_at, day := runs.day)) as newest
    from risk_scores as scores
    inner join learners on scores.learner_number = learners.number
    inner join runs on scores.run_id = runs.run_id
    where $programs is null or list_contains($programs::text[], learners.program)
    group by learners.program

),

observed as (

    select distinct
        load_id,
        observed_at
    from learner_facts
    where
        -- facts of a date lie at its end: tonight's run has them, although that is still to come
        observed_at <= greatest($now, (select max(scored.newest.as_of) from scored))
        and (
            $programs is null
            or learner_id in (
                select learners.id from learners where list_contains($programs::text[], learners.program)
            )
        )

),

facts as (

    select max(least(observed.observed_at, coalesce(loads.loaded_at, $now), $now)) as newest_facts_at
    from observed
    left join loads on observed.load_id = loads.load_id

),

final as (

    select
        min(scored.newest).as_of as scored_as_of,
        min(scored.newest).day as scored_on,
        min(scored.newest).published_at as published_at,
        (select facts.newest_facts_at from facts) as newest_facts_at
    from scored

)

select * from final;
