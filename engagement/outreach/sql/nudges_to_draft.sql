-- One row per learner whom the run contacts and who has no nudge of this campaign, channel and period yet,
-- or, where a model is asked, only a template that nobody has touched.
-- `cache_key` and `reason` say, once a model was asked, what it wrote, or why a template stands in.
create or replace temp table nudges_to_draft as
with wanted as (

    select
        *,
        sha256(concat_ws('|', person_id, $campaign, channel, $period)) as id
    from contact_decisions
    where run_id = $run_id and decision = 'contact'

),

drawn_for as (

    select
        wanted.id,
        wanted.learner_id,
        wanted.person_id,
        wanted.type,
        wanted.channel,
        wanted.risk_score,
        wanted.risk_label,
        learners.program,
        learners.locale,
        drawn(concat_ws('|', wanted.learner_id, $campaign, $week), $variants) + 1 as variant
    from wanted
    inner join learners on wanted.learner_id = learners.id
    left join nudges as there
        on
            wanted.id = there.id
            and not (
                $rewrites
                and there.run_id is distinct from $run_id
                and is_untouched_template(there.gpt_fallback, there.reason, there.status, there.version)
            )
    where there.id is null

),

final as (

    -- equal texts side by side take no room in the file, and few of them go into one block
    select
        *,
        null::text as cache_key,
        $why_not as reason,
        row_number() over (order by type, channel, locale, variant, learner_id) as place
    from drawn_for

)

select * from final
order by place;
