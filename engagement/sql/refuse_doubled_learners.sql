-- One row per learner whose id stands more than once in a file: the newest last_login wins, then the later row.
update temp.checked
set reasons = list_append(reasons, 'id: stands more than once; the row with the newest last_login counts')
where len(reasons) = 0
    and record not in (
        select record
        from temp.checked
        where len(reasons) = 0
        qualify row_number() over (partition by id order by last_login desc nulls last, record desc) = 1
    );
