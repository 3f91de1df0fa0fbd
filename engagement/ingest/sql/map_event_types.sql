-- One row per event whose type somebody says to be one of ours; a type is the same however it is written.
update temp.checked
set type = mapped.ours
from (
    select
        lower(trim(unnest($theirs::text[]))) as theirs,
        unnest($ours::text[]) as ours
) as mapped
where lower(checked.type) = mapped.theirs;
