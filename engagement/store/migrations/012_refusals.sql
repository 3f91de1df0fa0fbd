-- Who may not be written to, and in which way: one relation, which everybody asks. What a person says counts for all of
-- their enrolments, also where they say it in one that has ended.
create view person_refusals as
select
    person_number,
    bool_or(contact_opt_out) as contact_opt_out,
    bool_or(llm_opt_out) as llm_opt_out
from learners
where contact_opt_out or llm_opt_out
group by person_number;

comment on view person_refusals is '(P) One row per person who said no to something in any of their enrolments.';
comment on column person_refusals.person_number is '(P) The number of the first enrolment of the person; to join by.';
comment on column person_refusals.contact_opt_out is '(P) The person does not want to be contacted.';
comment on column person_refusals.llm_opt_out is '(P) Nothing about the person goes to a model.';

create view contact_refusals as
with final as (

    select
        learners.id as learner_id,
        learners.number as learner_number,
        learners.email is not null as has_email,
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
comment on column contact_refusals.learner_id is '(P) The enrolment.';
comment on column contact_refusals.learner_number is 'The number of the enrolment; to join by.';
comment on column contact_refusals.in_app is
'(P) Null where it may be written to, else inactive or opted_out. A quiz goes the same way.';
comment on column contact_refusals.whatsapp is
'(P) Null where it may be written to, else inactive, opted_out, no_opt_in or no_address.';
comment on column contact_refusals.email is
'(P) Null where it may be written to, else inactive, opted_out or no_address.';

-- The one of the refusals that a draft for that channel meets; a quiz has none of its own, and goes the way of in_app.
create macro refused_by_channel(channel, in_app, whatsapp, email) as (
    case channel when 'whatsapp' then whatsapp when 'email' then email else in_app end
);
