/* register, describe, activate, deactivate, revoke: one certificate at AWS. */
#include "cloud/command/target.h"

#include "base/hex.h"
#include "hsm/api/refusal.h"

/* --- describe --- */

static const char *ledger_state(const struct target *target)
{
	return target->in_ledger ? state_name(target->issuance.state) : "not in this ledger";
}

static void show_table(const struct target *target, const struct iot_certificate *c)
{
	char time[CLOCK_TEXT_SIZE];

	cloud_line("certificate id", "%s", c->id);
	cloud_line("unit", "%s", target->in_ledger ? target->issuance.unit : "-");
	cloud_line("status", "%s", iot_status_name(c->status));
	cloud_line("in the ledger", "%s", ledger_state(target));
	cloud_line("CA certificate", "%s", c->ca_id);
	cloud_line("registered", "%s", cloud_time(c->created_s, time));
	cloud_line("changed", "%s", cloud_time(c->modified_s, time));
	cloud_line("ARN", "%s", c->arn);
}

static json_t *certificate_json(const struct target *target, const struct iot_certificate *c)
{
	bool known = target->in_ledger;

	return json_pack("{ss so ss so ss so so ss}", "certificate_id", c->id, "unit",
			 known ? json_string(target->issuance.unit) : json_null(), "status",
			 iot_status_name(c->status), "state",
			 known ? json_string(state_name(target->issuance.state)) : json_null(),
			 "ca_certificate_id", c->ca_id, "registered_at",
			 cloud_time_json(c->created_s), "modified_at",
			 cloud_time_json(c->modified_s), "certificate_arn", c->arn);
}

/* What the ledger knows and AWS does not has not connected yet. */
static bool look_up(struct iot *iot, const struct target *target, struct iot_certificate *ret,
		    struct err *e)
{
	if (iot_describe(iot, target->id, ret, e))
		return true;
	if (e->code == ERR_NOT_FOUND && target->in_ledger)
		err_put(e, ERR_NOT_FOUND,
			"%s, %.8s…: AWS in %s does not know it; it registers itself at its first "
			"connection, or with: imprint cloud register %s",
			target->name, target->id, iot_account(iot)->region, target->issuance.unit);
	return false;
}

int describe_certificate_command(const struct arguments *a)
{
	struct iot_certificate certificate;
	AUTO(json) object = NULL;
	struct target target;
	AUTO(iot) iot = NULL;
	struct err e;

	if (!target_find(a, &target, &e) || !iot_open(&a->account, &iot, &e) ||
	    !look_up(iot, &target, &certificate, &e))
		return cloud_failed(&e);
	if (!a->json) {
		show_table(&target, &certificate);
		return CLOUD_DONE;
	}
	object = certificate_json(&target, &certificate);
	return cloud_print(object);
}

/* --- changing the status --- */

static json_t *status_json(enum iot_status status)
{
	return status ? json_string(iot_status_name(status)) : json_null();
}

/* A status of 0: it is not registered. */
static int say_status(const struct arguments *a, const struct target *target,
		      enum iot_status before, enum iot_status now)
{
	AUTO(json) object = NULL;

	if (a->json) {
		object = json_pack("{ss so so so}", "certificate_id", target->id, "unit",
				   target->in_ledger ? json_string(target->issuance.unit)
						     : json_null(),
				   "status", status_json(now), "before", status_json(before));
		return cloud_print(object);
	}
	printf("%s, %.8s…: ", target->name, target->id);
	if (!now)
		printf("AWS does not know it, so there is nothing to revoke; should it connect "
		       "later, it waits there as PENDING_ACTIVATION, and may not be activated\n");
	else if (before == now)
		printf("%s already\n", iot_status_name(now));
	else
		printf("%s now, %s before\n", iot_status_name(now),
		       before ? iot_status_name(before) : "not registered");
	return CLOUD_DONE;
}

/* Updates only what differs. */
static bool bring(struct iot *iot, const struct target *target, enum iot_status wanted,
		  enum iot_status *ret_before, struct err *e)
{
	struct iot_certificate now;

	if (!look_up(iot, target, &now, e))
		return false;
	if (now.status == IOT_REVOKED && wanted != IOT_REVOKED)
		return err_set(
			e, ERR_REFUSED,
			"%s, %.8s…: AWS has it REVOKED, and that is for good; the unit needs "
			"a new certificate",
			target->name, target->id);
	if (now.status != wanted && !iot_update(iot, target->id, wanted, e))
		return false;
	*ret_before = now.status;
	return true;
}

static bool check_may_live(const struct target *target, struct err *e)
{
	return !target->in_ledger || target_is_in_force(target) ||
	       err_set(e, ERR_REFUSED,
		       "%s, %.8s…: the ledger holds it %s (%s), so AWS may not let it in; a unit "
		       "that is to live needs a new certificate",
		       target->name, target->id, state_name(target->issuance.state),
		       target->issuance.reason);
}

static int change(const struct arguments *a, enum iot_status wanted)
{
	enum iot_status before;
	struct target target;
	AUTO(iot) iot = NULL;
	struct err e;

	if (!target_find(a, &target, &e) ||
	    (wanted == IOT_ACTIVE && !check_may_live(&target, &e)) ||
	    !iot_open(&a->account, &iot, &e) || !bring(iot, &target, wanted, &before, &e))
		return cloud_failed(&e);
	return say_status(a, &target, before, wanted);
}

int activate_certificate_command(const struct arguments *a)
{
	return change(a, IOT_ACTIVE);
}

int deactivate_certificate_command(const struct arguments *a)
{
	return change(a, IOT_INACTIVE);
}

/* --- revoke --- */

static void hint_at_ledger(const struct target *target)
{
	if (target->in_ledger && target_is_in_force(target))
		fprintf(stderr,
			"imprint: the ledger was not told and holds it %s: imprint %s %s "
			"--reason TEXT\n",
			state_name(target->issuance.state),
			target->issuance.state == STATE_INSTALLED ? "revoke" : "void",
			target->issuance.unit);
}

/* What never connected is not there to be revoked; that the ledger knows it says that the id is
 * right. */
int revoke_certificate_command(const struct arguments *a)
{
	enum iot_status before = 0, now = IOT_REVOKED;
	struct target target;
	AUTO(iot) iot = NULL;
	struct err e;

	if (!target_find(a, &target, &e) || !iot_open(&a->account, &iot, &e))
		return cloud_failed(&e);
	if (!bring(iot, &target, IOT_REVOKED, &before, &e)) {
		if (e.code != ERR_NOT_FOUND || !target.in_ledger)
			return cloud_failed(&e);
		now = 0;
	}
	hint_at_ledger(&target);
	return say_status(a, &target, before, now);
}

/* --- register --- */

/* The CA's certificate goes with it: AWS may know several CAs of that subject. It is left out where
 * the station has another CA by now. */
static bool register_it(const struct arguments *a, struct iot *iot, const struct target *target,
			enum iot_status wanted, enum iot_status *ret_before, struct err *e)
{
	char ca_id[IOT_ID_SIZE], id[IOT_ID_SIZE];
	AUTO_FREE char *pem = NULL;
	AUTO_CA_TARGET ca = { 0 };

	hex_encode(BYTES(target->issuance.ca_id), ca_id);
	if (!target_pem(target, &pem, e) || !ca_target_find(a, &ca, e))
		return false;
	if (iot_register(iot, pem, strcmp(ca.id, ca_id) == 0 ? ca.pem : NULL, wanted, id, e)) {
		*ret_before = 0;
		return strcmp(id, target->id) == 0 ||
		       err_set(e, ERR_INVALID,
			       "%s: AWS registered it as %.16s… instead of %.16s…; does a proxy "
			       "stand in between?",
			       target->name, id, target->id);
	}
	return e->code == (int)IOT_EXISTS && bring(iot, target, wanted, ret_before, e);
}

int register_certificate_command(const struct arguments *a)
{
	enum iot_status before, wanted = a->inactive ? IOT_INACTIVE : IOT_ACTIVE;
	struct target target;
	AUTO(iot) iot = NULL;
	struct err e;

	if (!target_find(a, &target, &e) || !check_may_live(&target, &e) ||
	    !iot_open(&a->account, &iot, &e) || !register_it(a, iot, &target, wanted, &before, &e))
		return cloud_failed(&e);
	return say_status(a, &target, before, wanted);
}
