-- One row per kind of act that occurs: what the first rule that fits says of it, and whether there is one.
create or replace temp table ruled as
with kinds as (

    select
        verb,
        object,
        profile,
        alone,
        scored,
        count(*) as acts
    from read_parquet(getvariable('acts'))
    where why is null
    group by all

),

fitting as (

    select
        kinds.*,
        rules.*
    from kinds
    left join rules
        on
            kinds.verb glob rules.verbs
            and kinds.object glob rules.objects
            and (rules.of_profile = '' or kinds.profile = rules.of_profile)
            and (kinds.alone or not rules.only_alone)
            and (kinds.scored or not rules.only_scored)
    qualify row_number() over (
            partition by kinds.verb, kinds.object, kinds.profile, kinds.alone, kinds.scored
            order by rules.number asc
        ) = 1

),

final as (

    select
        verb,
        object,
        profile,
        alone,
        scored,
        acts,
        number is not null as has_rule,
        coalesce(type, '') as type,
        coalesce(own, true) as own,
        coalesce(score, '') as score,
        coalesce(enrolment, '') as enrolment,
        coalesce(unit, '') as unit
    from fitting

)

select * from final;
