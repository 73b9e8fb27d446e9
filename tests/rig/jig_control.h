/* control: what a test, the demo or a person does with the virtual jig: the commands of its service
 * (tests/rig/service.h).
 *	lid open|close|force		force opens it though it is locked
 *	board NEST|all in|out		at any time; an operator would open the lid first
 *	press start|reset [MS]		for 300 ms, and until the host has seen it
 *	hold start|reset		release start|reset
 *	estop press|release		air on|off	mode auto|manual
 *	fault none			all is well again
 *	fault late MS | behind | echo | silent | cable | restart MS	(jig_server.h)
 *	fault clamp			the clamp stops half-way
 *	fault freeze			the inputs stand still, heartbeats and all
 *	fault stuck INPUT on|off	a sensor or button lies, by its name in the map
 *	state				answered with one JSON object after "ok\n"
 * Threads: one. Layer above: jig_main. Below: jig_server, jig_plant. */
#ifndef TESTS_RIG_JIG_CONTROL_H
#define TESTS_RIG_JIG_CONTROL_H

#include "tests/rig/jig_server.h"

/* A service_run; the context is the server. */
bool control_run(void *context, char *command, char *reply, struct err *e);

#endif
