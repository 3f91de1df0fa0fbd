-- One row per draft that goes as $run_id is published: those of attempts that it supersedes (what a model wrote, where
-- the run would leave the learner alone had they none), and an untouched template where it has another draft for the
-- same person (or, a quiz, the same learner), campaign and period; of the run's own, those whose place somebody's has
-- that was touched meanwhile.
create or replace temp table superseded as
with drafts as (

    select
        there.id,
        coalesce(there.run_id = $run_id, false) as is_new,
        gives_way(
            there.run_id, there.gpt_fallback, there.reason, there.status, there.changed_by, $run_id, $rewrites
        )
        or (
            there.status = 'draft'
            and there.changed_by is null
            and there.run_id in (select before.run_id from attempts_before($run_id) as before)
            and coalesce(decided.reason <> 'open_draft' and not decided.quiz, false)
        ) as is_untouched,
        there.run_id in (select before.run_id from attempts_before($run_id) as before) as is_superseded,
        there.status = 'failed' as is_over,
        there.period,
        case when $one_per = 'person_id' then learners.person_number else learners.number end as whose
    from query_table($drafts) as there
    inner join learners on there.learner_id = learners.id
    left join contact_decisions as decided on there.learner_id = decided.learner_id and decided.run_id = $run_id
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
    left join rewritten
        on
            earlier.whose = rewritten.whose and earlier.period = rewritten.period
            and rewritten.id not in (select kept.id from kept)
    where earlier.is_untouched and (earlier.is_superseded or rewritten.id is not null)

)

select * from final;
