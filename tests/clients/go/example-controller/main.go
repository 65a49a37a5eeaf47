// An example controller: for each ComputeInstanceSnapshot it takes a VirtualMachineSnapshot of the
// machine of that name, and says Ready when KubeVirt says that it can be restored.
package main

import (
	"flag"
	"os"

	ctrl "sigs.k8s.io/controller-runtime"
	"sigs.k8s.io/controller-runtime/pkg/log/zap"
	metrics "sigs.k8s.io/controller-runtime/pkg/metrics/server"
)

func main() {
	bug := flag.String("bug", "", "a mistake to make: early (Ready before it is true), name (a new name at each attempt)")
	flag.Parse()
	ctrl.SetLogger(zap.New(zap.UseDevMode(true)))
	log := ctrl.Log.WithName("main")

	// The flag --kubeconfig, then the environment variable KUBECONFIG, then the pod's own account.
	mgr, err := ctrl.NewManager(ctrl.GetConfigOrDie(), ctrl.Options{Metrics: metrics.Options{BindAddress: "0"}})
	if err != nil {
		log.Error(err, "no manager")
		os.Exit(1)
	}
	if err := (&Reconciler{Client: mgr.GetClient(), Bug: *bug}).SetupWithManager(mgr); err != nil {
		log.Error(err, "no controller")
		os.Exit(1)
	}
	if err := mgr.Start(ctrl.SetupSignalHandler()); err != nil {
		log.Error(err, "the manager ended")
		os.Exit(1)
	}
}
