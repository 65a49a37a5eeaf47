/* `vmconform component`, as the program that it becomes. */
#ifndef VMCONFORM_RUNNER_REALHOST_CMD_COMPONENT_H
#define VMCONFORM_RUNNER_REALHOST_CMD_COMPONENT_H

/* argv[0] is not looked at. Returns the exit status: 0 ended or stopped, 1 the component failed, 2
 * it could not be run. */
int real_component(int argc, char **argv);

#endif
