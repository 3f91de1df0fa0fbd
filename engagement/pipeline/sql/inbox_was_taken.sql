-- One row: whether an attempt at $day was published, or one after the last published run loaded files and was not.
select
    count(*) filter (where published_at is not null and day = $day) > 0
    or count(*) filter (
        where published_at is null
        and started_at in (select loaded_at from loads)
        and not exists (
            select 1
            from runs as later
            where later.pipeline = runs.pipeline and later.published_at is not null
                and later.started_at > runs.started_at
                -- one for a day that was over had no part in the news
                and later.as_of >= later.started_at
        )
    ) > 0 as was_taken
from runs
where pipeline = $pipeline;
