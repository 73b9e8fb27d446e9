#include "cloud/reconcile/reconcile.h"

const unsigned reconcile_age_days[RECONCILE_AGES - 1] = { 7, 30, 90, 365 };

static const struct {
	const char *name, *sentence;
	bool differs;
} classes[CLASS_COUNT] = {
	[CLASS_ACTIVE] = { "active", "registered and active", false },
	[CLASS_PENDING] = { "pending", "waiting for activation", false },
	[CLASS_INACTIVE] = { "inactive", "registered, not active", false },
	[CLASS_REVOKED] = { "revoked", "revoked on both sides", false },
	[CLASS_LIVE] = { "live", "REVOKED HERE, LIVE THERE", true },
	[CLASS_REVOKED_THERE] = { "revoked-there", "REVOKED THERE, GOOD HERE", true },
	[CLASS_UNSEEN] = { "unseen", "issued, not yet seen", false },
	[CLASS_GONE] = { "gone", "void or revoked, never seen", false },
	[CLASS_UNKNOWN] = { "unknown", "NEVER ISSUED HERE", true },
};

const char *reconcile_class_name(enum reconcile_class class)
{
	return classes[class].name;
}

const char *reconcile_class_sentence(enum reconcile_class class)
{
	return classes[class].sentence;
}

bool reconcile_class_differs(enum reconcile_class class)
{
	return classes[class].differs;
}
