#!/bin/sh
# owned.sh NAMESPACE OWNER NAME...: config maps that a config map owns, and that hold it back.
namespace=$1 owner=$2
uid=$(kubectl get configmap "$owner" -n "$namespace" -o 'jsonpath={.metadata.uid}')
shift 2
for name; do
    kubectl create -f - <<Y
apiVersion: v1
kind: ConfigMap
metadata:
  name: $name
  namespace: $namespace
  ownerReferences:
  - {apiVersion: v1, kind: ConfigMap, name: $owner, uid: $uid, blockOwnerDeletion: true}
Y
done
