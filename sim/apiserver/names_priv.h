/* Names that the server goes by, and of what it treats as its own. */
#ifndef VMCONFORM_SIM_APISERVER_NAMES_PRIV_H
#define VMCONFORM_SIM_APISERVER_NAMES_PRIV_H

#define ADMIN_USER "kubernetes-admin" /* who asks when a request names nobody */
#define SERVER_USER "system:apiserver"
#define CRD_GROUP "apiextensions.k8s.io"

#endif
