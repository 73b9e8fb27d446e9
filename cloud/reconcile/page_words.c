/* What the page says: sentences for the owner. */
#include "cloud/reconcile/page.h"

const struct page_verdict page_verdicts[] = {
	[RECONCILE_CLEAN] = { "clean", "CLEAN: ledgers and AWS IoT agree",
			      "Every certificate that AWS IoT knows was issued by these ledgers, "
			      "and none that was revoked is alive. Nothing to do.",
			      "M4 13l5 5L20 6" },
	[RECONCILE_DIFFERENCES] = { "differences", "DIFFERENCES: ledgers and AWS IoT disagree",
				    "Nothing foreign was found, but this needs somebody:",
				    "M4 9h16M4 15h16M16 4L8 20" },
	[RECONCILE_ALARM] = { "alarm", "ALARM: certificates that these ledgers never issued",
			      "AWS IoT has certificates of your CAs that stand in none of these "
			      "ledgers. Act today:",
			      "M8 2h8l6 6v8l-6 6H8l-6-6V8zM12 7v6M12 17v.1" },
};

const char *const page_advice[CLASS_COUNT] = {
	[CLASS_ACTIVE] = "Issued by a station; its device may connect. Nothing to do.",
	[CLASS_PENDING] = "Its device came and waits to be let in. After a day: does the "
			  "activation function run?",
	[CLASS_INACTIVE] = "Switched off by hand in AWS IoT. Activate it, or revoke it on both "
			   "sides.",
	[CLASS_UNSEEN] = "Its device has not connected yet. If many are over 90 days old, ask "
			 "where they are.",
	[CLASS_GONE] = "Void or revoked before its device ever connected. Nothing to do.",
	[CLASS_REVOKED] = "Out of use in the ledger and in AWS IoT. Nothing to do.",
	[CLASS_REVOKED_THERE] = "Good in the ledger. Ask who revoked it; if rightly, revoke it on "
				"the station too.",
	[CLASS_LIVE] = "Void or revoked in the ledger. Revoke it there: "
		       "<code class=\"state\">imprint reconcile --fix</code>.",
	[CLASS_UNKNOWN] = "A newer ledger is missing here, or somebody else signs with the CA's "
			  "key. Deactivate certificate and CA; inquire.",
};
