-- One row per learner of the file: their entry was true at $observed_at.
update learners
set seen_at = $observed_at
from temp.checked
where
    learners.id = checked.id
    and checked.reasons is null
    and (learners.seen_at is null or learners.seen_at < $observed_at);
