-- One row per draft that gives way as $run_id is published: an untouched template to the draft that the run has for the
-- same person (or, a quiz, for the same learner), campaign and period; the draft of the run to one that somebody has
-- touched meanwhile.
create or replace temp table superseded as
with drafts as (

    select
        there.id,
        coalesce(there.run_id = $run_id, false) as is_new,
        is_untouched_template(there.gpt_fallback, there.reason, there.status, there.version) as is_untouched,
        there.status = 'failed' as is_over,
        there.period,
        case when $one_per = 'person_id' then learners.person_number else learners.number end as whose
    from query_table($drafts) as there
    inner join learners on there.learner_id = learners.id
    where there.campaign = $campaign

),

rewritten as (

    select * from drafts
    where is_new

),

earlier as (

    select * from drafts
    where not is_new

),

kept as (

    select rewritten.id
    from rewritten
    inner join earlier on rewritten.whose = earlier.whose and rewritten.period = earlier.period
    where not earlier.is_untouched and (rewritten.id = earlier.id or not earlier.is_over)

),

final as (

    select
        id,
        true as is_new
    from kept

    union

    select
        earlier.id,
        false as is_new
    from earlier
    inner join rewritten on earlier.whose = rewritten.whose and earlier.period = rewritten.period
    where earlier.is_untouched and rewritten.id not in (select kept.id from kept)

)

select * from final;
