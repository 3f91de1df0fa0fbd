-- An address that several persons claim is no address: a family's, or one that stands for none. They stay and are
-- scored, and are reached another way. Marked by the load that brings it: a page does not look through all addresses.
alter table learners add column email_is_shared boolean default false;

comment on column learners.email_is_shared is
'(P) Whether active enrolments of several persons have the address, so that nobody writes there.';

update learners
set email_is_shared = true
where email in (
        select claims.email
        from learners as claims
        where claims.active and claims.email is not null
        group by claims.email
        having min(claims.person_number) <> max(claims.person_number)
    );

create or replace view contact_refusals as
with final as (

    select
        learners.id as learner_id,
        learners.number as learner_number,
        learners.email is not null and not learners.email_is_shared as has_email,
        learners.phone is not null as has_phone,
        learners.whatsapp_opt_in,
        case
            when not learners.active then 'inactive'
            when coalesce(person_refusals.contact_opt_out, false) then 'opted_out'
        end as whatever_way
    from learners
    left join person_refusals on learners.person_number = person_refusals.person_number

)

select
    learner_id,
    learner_number,
    whatever_way as in_app,
    coalesce(
        whatever_way,
        case
            when not whatsapp_opt_in then 'no_opt_in'
            when not has_phone then 'no_address'
        end
    ) as whatsapp,
    coalesce(whatever_way, case when not has_email then 'no_address' end) as email
from final;

comment on view contact_refusals is '(P) One row per enrolment: why nobody may write to it, for each channel.';
comment on column contact_refusals.email is
'(P) Null where it may be written to, else inactive, opted_out or no_address: none, or one that several persons have.';
