//! Containers and clusters.

use super::{Rule, Text};
use crate::risk::Level::{High, Medium};
use crate::risk::lookup::lines;

/// The rules, the graver first.
pub const RULES: &[Rule] = &[
    Rule {
        id: "container-escape",
        level: High,
        reason: Text { en: "gives a container the rights of the machine", zh: "赋予容器宿主机权限" },
        patterns: lines!(
            r#"docker|podman|nerdctl run|create|exec|container|compose --privileged
               docker|podman|nerdctl run|create|container --cap-add|--pid=host|--userns=host
                 |--cgroupns=host !~*sys_ptrace*|*net_bind_service*|*net_admin*|*sys_nice*|*ipc_lock*|*perfmon*
               docker|podman|nerdctl run|create|container --pid|--userns ~host
               docker|podman|nerdctl run|create|container ~--device=/dev/sd*|/dev/sd*|--device=/dev/nvme*|/dev/mem*
                 |--device=/dev/mem*|/dev/kmsg*|--device=/dev/xvd*|--device=/dev/vd*|--security-opt=*unconfined*
                 |*seccomp=unconfined*|*apparmor=unconfined*|*apparmor:unconfined*|*seccomp:unconfined*
                 |*label=disable*|*label:disable*|*no-new-privileges=false*
               docker|podman|nerdctl|docker-compose run|create|container ~/:*|*source=/,*|*src=/,*|*docker.sock*
                 |/etc:*|/etc/*:*|/root:*|/root/*:*|-v/:*|--volume=/:*|/home:*|/var/run:*|/var:*|/proc:*|/sys:*|/dev:*
                 |/boot:*|/usr:*|/lib:*|/lib/modules:*|*source=/etc*|*src=/etc*|*src=/var/run*|*source=/root*
                 |--volume=/etc*|--volume=/root*|*containerd.sock*|*crio.sock*|*podman.sock* !~/etc/localtime*
                 |/etc/timezone*|/etc/ssl/certs*|/etc/passwd:/etc/passwd:ro|/etc/hosts:*
               ctr run|c|t|containers --privileged
               docker|podman|nerdctl|buildctl ~security.insecure|*=security.insecure
               lxc|incus config set|device security.privileged*|add
               lxc|incus init|launch|copy ~security.privileged=*
               kubectl|oc run|create|debug|exec|apply|patch ~*privileged*|*hostpid*|*hostnetwork*|*hostpath*|*hostipc*
               kubectl adm add-scc-to-user|policy
               docker context|plugin create|use|install ~*tcp:*|*ssh:*|--grant-all-permissions
               docker|podman -H|--host ~tcp:*
               dockerd|containerd -H|--host ~tcp:*|*tcp://*
               docker|podman cp ~/etc/*|/root/*|/usr/*|/bin/*
               curl --unix-socket ~*docker.sock*|*containerd*|*podman.sock*|*crio* -X|--request|-d|--data|--data-raw|--data-binary|--json
               curl ~*:2375/*|*:2376/*|*:10250/run/*|*:10250/exec/*|*:10255/*|*/containers/create*|*:6443/api*secrets*
               docker|podman|nerdctl run|create|exec|container ~--cgroup-parent=*|--ipc=host|--uts=host|--userns=host
                 |--pid=host|--cap-add=all|--cap-add=sys_admin|--cap-add=sys_module|--cap-add=sys_rawio
                 |--cap-add=dac_read_search|--device-cgroup-rule=*|--volumes-from=*
               kubectl|oc run|create|debug|apply|patch ~--profile=sysadmin|--profile=netadmin
               kubectl|oc debug ~node/*|--image=* ~node/*|--target=*|--profile=*
               lxc|incus exec|config|profile|storage ~*raw.lxc*|*security.privileged=true*|*security.nesting=true*|*source=/*
               runc|crun|youki|kata-runtime run|exec|spec
               ctr|nerdctl|crictl|buildah|podman|docker run|t|tasks|c|containers ~*src=/,*|*source=/,*|*src=/etc*
                 |*source=/etc*|*src=/root*|*source=/root*|*src=/home,*|*src=/var/run*|*source=/var/run*|*src=/dev*
               flatpak run ~--filesystem=host*|--filesystem=home*|--device=all
               helm install|upgrade ~*hostpath=/|*hostpath.path=/|*hostpid=true*
               helm install|upgrade ~*privileged=true* ~kube-system|--namespace=kube-system
               kubectl|oc replace ~*"hostpid"*|*"hostnetwork"*|*"hostpath"*|*"privileged":true*|*"privileged":␣true*"#
        ),
        examples: lines!(
            "docker run --privileged x
             docker run -v /:/host x"
        ),
        harmless: lines!(
            "docker run -v ./a:/a x
             docker run -v /home/a/project:/app x"
        ),
    },
    Rule {
        id: "container-destroy",
        level: High,
        reason: Text {
            en: "deletes volumes, images or containers of everybody",
            zh: "删除所有容器、镜像或卷",
        },
        patterns: lines!(
            "docker|podman|nerdctl volume rm|prune|remove
             docker|podman system reset
             docker swarm leave
             docker secret|config|node|stack|service rm|remove|demote
             virsh destroy|undefine|vol-delete|pool-delete|snapshot-delete
             crictl rmp|rm|rmi -a|-fa|--prune|-f
             nerdctl|podman|docker system|image|container|builder prune ~--volumes|--volumes=true|--all=true|volume
             docker|podman|nerdctl compose|stack|swarm down|rm|leave -v|--volumes ~*prod*
             docker|podman|nerdctl rmi|rm|kill|stop ~$*
             docker swarm|node|service leave|rm|demote|scale ~--force|-f|*=0|rm
             docker trust|registry revoke|rm|garbage-collect
             crictl|ctr|nerdctl|buildah rmp|rmi|rm|images|containers|snapshots|namespaces ~-a|--all|-fa|--prune|rm|remove|delete
             regctl|crane|skopeo|oras|reg|gcrane|ecr ~delete|rm|*:delete"
        ),
        examples: lines!(
            "docker volume prune -f
             docker system prune -a --volumes -f"
        ),
        harmless: lines!(
            "docker ps
             docker system prune -f"
        ),
    },
    Rule {
        id: "container-change",
        level: Medium,
        reason: Text { en: "removes or changes containers", zh: "删除或更改容器" },
        patterns: lines!(
            "docker|podman|nerdctl rm|rmi|kill|stop|restart|push|login|exec|update|commit|import|load|cp
             docker|podman|nerdctl container|image|network|system|builder|buildx rm|prune|remove
             docker|docker-compose|podman compose down|rm|kill|restart
             docker-compose down|rm|kill|restart
             docker stack deploy
             docker service update|create|scale
             helm install|upgrade|rollback
             minikube|kind|k3d|colima|limactl delete|stop|cluster"
        ),
        examples: lines!(
            "docker rm -f web
             docker compose down -v"
        ),
        harmless: "docker images",
    },
    Rule {
        id: "cluster-destroy",
        level: High,
        reason: Text { en: "deletes shared objects of a cluster", zh: "删除集群中的共享资源" },
        patterns: lines!(
            r#"kubectl|oc delete ns|namespace|namespaces|ns/*|namespace/*|project|project/*|pv|pvc|node|nodes|crd|crds
                 |clusterrole*|statefulset|statefulsets|sts|sts/*|statefulset/*|pvc/*|pv/*|node/*|persistentvolume*
                 |customresourcedefinition*|all|rolebinding*|secret|secrets|secret/*|serviceaccount*|sa|ingress|ing
                 |daemonset*|ds|storageclass*|networkpolic*|netpol|resourcequota*|validatingwebhook*|mutatingwebhook*
                 |apiservice* !--dry-run|~--dry-run=*
               kubectl|oc delete --all|-A|--all-namespaces !~--dry-run=*
               kubectl|oc drain|taint
               kubectl|oc replace --force
               kubectl|oc create|apply clusterrolebinding|rolebinding
               kubectl|oc create clusterrole
               kubectl|oc scale ~--replicas=0
               kubectl|oc edit|patch clusterrole*|rolebinding*|networkpolic*|psp|podsecuritypolic*|validatingwebhook*|mutatingwebhook*|node|nodes
               kubectl|oc certificate approve
               kubectl|oc auth reconcile
               helm uninstall|delete|del|un !--dry-run|~--dry-run=*
               kubeadm reset|join|init|token
               k3s-killall.sh|microk8s.reset|rke2-killall.sh
               microk8s reset
               etcdctl del
               etcdctl snapshot|member|auth|user|role|lease|alarm ~restore|remove|delete|disable|revoke|grant*|add|passwd|disarm|promote
               eksctl delete|drain
               rke remove
               flux uninstall|delete|suspend
               istioctl|linkerd|cilium|calicoctl|longhornctl uninstall|delete|x
               velero backup|restore|schedule delete
               rancher|nomad|consul cluster|job|namespaces|system delete|stop|gc -purge|--force|~*
               nomad stop|node|job -purge|-drain|drain
               kubectl|oc -n|--namespace delete|scale|patch|edit ~kube-system|istio-system|cert-manager|ingress-nginx|calico-system|longhorn-system|rook-ceph
               kubectl|oc delete|scale|patch|edit ~--namespace=kube-system|-nkube-system|--namespace=istio-system
               kubectl|oc patch ~*finalizers*null*|*finalizers*[]*|*"persistentvolumereclaimpolicy":"delete"*|*"replicas":0*
               kubectl|oc delete ~$*
               helm install|upgrade ~http:*|https:*.tgz !~*github.com/*|*github.io/*
               xargs kubectl|oc delete|drain|cordon !pod|pods|po|job|jobs"#
        ),
        examples: lines!(
            "kubectl delete ns prod
             helm uninstall x"
        ),
        harmless: lines!(
            "kubectl get ns
             kubectl delete pod x
             kubectl delete -f a.yaml"
        ),
    },
    Rule {
        id: "cluster-change",
        level: Medium,
        reason: Text { en: "changes a cluster", zh: "更改集群" },
        patterns: lines!(
            "kubectl|oc apply|create|delete|edit|patch|replace|rollout|scale|set|label|annotate|cordon|uncordon|exec
               |cp|expose|autoscale|run|debug|port-forward|proxy|rsh !--dry-run|~--dry-run=client
             kustomize edit
             argocd app sync|set|create|rollback
             flux reconcile|create|resume"
        ),
        examples: "kubectl apply -f a",
        harmless: lines!(
            "kubectl describe pod x
             kubectl rollout status x --dry-run"
        ),
    },
];
