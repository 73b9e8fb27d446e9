/* register-ca: the CA becomes known to AWS, ready for devices to register themselves. What is so
 * already is left alone, so that it may be run again whatever became of the last time. */
#include "cloud/command/ca.h"

struct registering {
	const struct arguments *a;
	struct iot *iot;
	const struct ca_target *target;
	struct iot_ca ca;
	struct ca_done done;
};

static bool check_key_is_here(const struct registering *r, struct err *e)
{
	if (!r->target->pem)
		return err_set(e, ERR_INVALID,
			       "the CA %.8s… is not registered yet: to register it, its "
			       "certificate is needed; name its file with --ca FILE",
			       r->target->id);
	if (r->a->ca && !r->a->sni_only)
		return err_set(e, ERR_REFUSED,
			       "the CA %.8s… is not registered yet, and mode DEFAULT wants proof "
			       "of its key, which the station's signer holds; run register-ca at "
			       "the station (--print, where it has no Internet), or take "
			       "--sni-only",
			       r->target->id);
	return true;
}

/* With status and auto-registration in the same call: there is no half of it. An answer that got
 * lost on its way shows as "exists": then it is brought to what is wanted as any other. */
static bool register_now(struct registering *r, char ret_id[static IOT_ID_SIZE], struct err *e)
{
	AUTO_FREE char *verification = NULL;
	struct iot_ca_registration registration = {
		.ca = r->target->pem,
		.active = !r->a->inactive,
		.auto_registration = !r->a->no_auto_registration,
	};
	char code[IOT_CODE_SIZE];

	if (!check_key_is_here(r, e))
		return false;
	if (!r->a->sni_only &&
	    (!iot_registration_code(r->iot, code, e) || !ca_verification(code, &verification, e)))
		return false;
	registration.verification = verification;
	if (iot_register_ca(r->iot, &registration, ret_id, e))
		r->done = (struct ca_done) { true, true, true };
	else if (e->code != (int)IOT_EXISTS)
		return false;
	return true;
}

/* Another CA's status is not touched on anybody's word. */
static bool check_id(const struct registering *r, const char *id, struct err *e)
{
	return strcmp(id, r->target->id) == 0 ||
	       err_set(e, ERR_INVALID,
		       "RegisterCACertificate: AWS answers about %.16s… instead of %.16s…; does a "
		       "proxy stand in between?",
		       id, r->target->id);
}

static bool find_or_register(struct registering *r, struct err *e)
{
	char id[IOT_ID_SIZE];

	if (iot_describe_ca(r->iot, r->target->id, &r->ca, e))
		return true;
	return e->code == ERR_NOT_FOUND && register_now(r, id, e) && check_id(r, id, e) &&
	       iot_describe_ca(r->iot, id, &r->ca, e);
}

static bool check_mode(const struct registering *r, struct err *e)
{
	if (r->a->sni_only && !r->ca.sni_only)
		return err_set(e, ERR_REFUSED,
			       "the CA %.8s… is registered in mode DEFAULT, and AWS cannot change "
			       "that to SNI_ONLY; nothing was changed. To have it so, deactivate "
			       "it, delete it at AWS and run this again",
			       r->ca.id);
	if (!r->a->sni_only && r->ca.sni_only)
		fprintf(stderr, "imprint: the CA is registered in mode SNI_ONLY, not DEFAULT; AWS "
				"cannot change that, and devices that send the host name (SNI) do "
				"not notice\n");
	return true;
}

static bool register_ca(struct registering *r, struct err *e)
{
	bool active = !r->a->inactive, auto_registration = !r->a->no_auto_registration;
	struct iot_ca_update wanted = { &active, &auto_registration };

	return find_or_register(r, e) && check_mode(r, e) &&
	       ca_bring(r->iot, &wanted, &r->ca, &r->done, e);
}

int register_ca_command(const struct arguments *a)
{
	AUTO_CA_TARGET target = { 0 };
	struct registering r = { .a = a, .target = &target };
	AUTO(iot) iot = NULL;
	struct err e;

	if (a->print)
		return ca_print_registration(a);
	if (a->code) {
		err_set(&e, ERR_USAGE, "--code goes with --print: here AWS is asked for it");
		return cloud_failed(&e);
	}
	if (!ca_target_find(a, &target, &e) || !iot_open(&a->account, &iot, &e))
		return cloud_failed(&e);
	r.iot = iot;
	return register_ca(&r, &e) ? ca_show(a, iot, &r.ca, &r.done) : cloud_failed(&e);
}
