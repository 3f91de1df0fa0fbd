-- One row per learner of whom a refused row says something about consents: no older file undoes it.
update learners
set consents_at = $observed_at
where
    learners.id in (select refused.id from temp.refused_consents as refused)
    and (learners.consents_at is null or learners.consents_at < $observed_at);
