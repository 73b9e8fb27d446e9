/* describe-ca, activate-ca, deactivate-ca, auto-registration, revoke-ca. */
#include "cloud/command/ca.h"

#include "base/hex.h"

static const char *status_name(bool active)
{
	return active ? "ACTIVE" : "INACTIVE";
}

static const char *switch_name(bool on)
{
	return on ? "ENABLE" : "DISABLE";
}

static const char *mode_name(bool sni_only)
{
	return sni_only ? "SNI_ONLY" : "DEFAULT";
}

bool ca_verification(const char *code, char **ret_pem, struct err *e)
{
	struct request request = { .type = REQUEST_VERIFICATION_CERT };
	uint8_t digits[REQUEST_CODE_LEN / 2];
	struct reply reply;

	if (!hex_decode(code, digits, sizeof(digits)))
		return err_set(e, ERR_USAGE,
			       "a registration code is %d hexadecimal digits, as aws iot "
			       "get-registration-code prints it",
			       REQUEST_CODE_LEN);
	strcpy(request.code, code);
	return client_ask(&cloud_signer, &request, -1, &reply, e) && pem_of(reply.rows, ret_pem, e);
}

bool ca_bring(struct iot *iot, const struct iot_ca_update *wanted, struct iot_ca *ca,
	      struct ca_done *done, struct err *e)
{
	struct iot_ca_update update = { 0 };
	char id[IOT_ID_SIZE];

	if (wanted->active && *wanted->active != ca->active)
		update.active = wanted->active;
	if (wanted->auto_registration && *wanted->auto_registration != ca->auto_registration)
		update.auto_registration = wanted->auto_registration;
	if (!update.active && !update.auto_registration)
		return true;
	strcpy(id, ca->id);
	if (!iot_update_ca(iot, id, &update, e) || !iot_describe_ca(iot, id, ca, e))
		return false;
	done->active |= update.active != NULL;
	done->auto_registration |= update.auto_registration != NULL;
	return true;
}

/* --- showing --- */

/* With what became of it, where something was to be done. */
static void show_done(const char *label, const char *value, const struct ca_done *done, bool now)
{
	if (done)
		cloud_line(label, "%-22s%s", value, now ? "done now" : "so already");
	else
		cloud_line(label, "%s", value);
}

static void show_table(const struct iot *iot, const struct iot_ca *ca, const struct ca_done *done)
{
	const struct ca_done now = done ? *done : (struct ca_done) { 0 };
	char time[CLOCK_TEXT_SIZE], end[CLOCK_TEXT_SIZE];

	cloud_line("CA certificate", "%s", ca->id);
	show_done("registered", cloud_time(ca->created_s, time), done, now.registered);
	cloud_line("mode", "%s", mode_name(ca->sni_only));
	show_done("status", status_name(ca->active), done, now.active);
	show_done("auto-registration", switch_name(ca->auto_registration), done,
		  now.auto_registration);
	cloud_line("changed", "%s", cloud_time(ca->modified_s, time));
	cloud_line("valid", "%s to %s", cloud_time(ca->not_before_s, time),
		   cloud_time(ca->not_after_s, end));
	cloud_line("region", "%s, %s", iot_account(iot)->region, iot_account(iot)->iot_endpoint);
	cloud_line("credentials", "%s", iot_account(iot)->source);
}

static json_t *done_json(const struct ca_done *done)
{
	json_t *list = json_array();

	if (done && done->registered)
		json_array_append_new(list, json_string("registered"));
	if (done && done->active)
		json_array_append_new(list, json_string("status"));
	if (done && done->auto_registration)
		json_array_append_new(list, json_string("auto_registration"));
	return list;
}

static json_t *ca_json(const struct iot *iot, const struct iot_ca *ca, const struct ca_done *done)
{
	return json_pack(
		"{ss ss ss ss ss so so so so ss ss so}", "ca_certificate_id", ca->id,
		"certificate_arn", ca->arn, "status", status_name(ca->active), "auto_registration",
		switch_name(ca->auto_registration), "certificate_mode", mode_name(ca->sni_only),
		"registered_at", cloud_time_json(ca->created_s), "modified_at",
		cloud_time_json(ca->modified_s), "not_before", cloud_time_json(ca->not_before_s),
		"not_after", cloud_time_json(ca->not_after_s), "region", iot_account(iot)->region,
		"endpoint_url", iot_account(iot)->iot_endpoint, "done", done_json(done));
}

int ca_show(const struct arguments *a, const struct iot *iot, const struct iot_ca *ca,
	    const struct ca_done *done)
{
	AUTO(json) object = a->json ? ca_json(iot, ca, done) : NULL;

	if (a->json)
		return cloud_print(object);
	show_table(iot, ca, done);
	return CLOUD_DONE;
}

/* --- the commands --- */

static bool look_up(struct iot *iot, const char *id, struct iot_ca *ret_ca, struct err *e)
{
	if (iot_describe_ca(iot, id, ret_ca, e))
		return true;
	if (e->code == ERR_NOT_FOUND)
		err_put(e, ERR_NOT_FOUND,
			"AWS in %s does not know the CA %.8s…; register it with imprint cloud "
			"register-ca, or name the right account (--profile) and region (--region)",
			iot_account(iot)->region, id);
	return false;
}

/* wanted NULL: only look. */
static int look_and_bring(const struct arguments *a, const struct iot_ca_update *wanted)
{
	AUTO_CA_TARGET target = { 0 };
	struct ca_done done = { 0 };
	AUTO(iot) iot = NULL;
	struct iot_ca ca;
	struct err e;

	if (!ca_target_find(a, &target, &e) || !iot_open(&a->account, &iot, &e) ||
	    !look_up(iot, target.id, &ca, &e) || (wanted && !ca_bring(iot, wanted, &ca, &done, &e)))
		return cloud_failed(&e);
	return ca_show(a, iot, &ca, wanted ? &done : NULL);
}

int describe_ca_command(const struct arguments *a)
{
	return look_and_bring(a, NULL);
}

int activate_ca_command(const struct arguments *a)
{
	static const bool active = true;

	return look_and_bring(a, &(struct iot_ca_update) { .active = &active });
}

int deactivate_ca_command(const struct arguments *a)
{
	static const bool active = false;

	return look_and_bring(a, &(struct iot_ca_update) { .active = &active });
}

int auto_registration_command(const struct arguments *a)
{
	bool on = strcmp(a->operand, "on") == 0;
	struct err e;

	if (!on && strcmp(a->operand, "off") != 0) {
		err_set(&e, ERR_USAGE, "say: imprint cloud auto-registration on, or off");
		return cloud_failed(&e);
	}
	return look_and_bring(a, &(struct iot_ca_update) { .auto_registration = &on });
}

int revoke_ca_command(const struct arguments *a)
{
	(void)a;
	fputs("imprint: AWS IoT cannot revoke a CA certificate; nothing was done. What it can do:\n"
	      "  imprint cloud deactivate-ca\n"
	      "      From then on no new certificate of this CA is registered. Those that are\n"
	      "      registered already keep working, whatever becomes of the CA.\n"
	      "  imprint cloud list, and imprint cloud revoke UNIT|--certificate-id ID\n"
	      "      Which they are, and the end of each. imprint reconcile shows those that were\n"
	      "      never issued here.\n",
	      stderr);
	return CLOUD_FAILED;
}
