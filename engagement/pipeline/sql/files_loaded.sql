-- One row per file that was ever loaded: of learners or of events, or an export of a platform, and what it holds.
select
    kind,
    content_hash
from loads
where of_files is null

union

select
    'exports' as kind,
    file.content_hash
from (
    select unnest(of_files) as file
    from loads
) as exports;
