//! Containers and clusters.

use super::{Rule, Text};
use crate::risk::Level::{High, Medium};

/// The rules, the graver first.
pub const RULES: &[Rule] = &[
    Rule {
        id: "container-escape",
        level: High,
        reason: Text { en: "gives a container the rights of the machine", zh: "赋予容器宿主机权限" },
        patterns: &["docker|podman|nerdctl run|create|exec|container --privileged", "docker|podman|nerdctl run|create|container --cap-add|--pid=host|--userns=host|--ipc=host|--device", "docker|podman|nerdctl run|create|container --pid ~host", "docker|podman|nerdctl run|create ~/:/*|*source=/,*|*src=/,*|*docker.sock*|/etc:*|/root:*|-v/:*|--volume=/:*|/home:*|/var/run:*|/proc:*", "ctr run|c|t --privileged", "lxc config set security.privileged*", "lxc init|launch ~security.privileged=*", "kubectl run ~*privileged*", "kubectl debug node/*", "crictl exec"],
        examples: &["docker run --privileged x", "docker run -v /:/host x"],
        harmless: &["docker run -v ./a:/a x"],
    },
    Rule {
        id: "container-destroy",
        level: High,
        reason: Text { en: "deletes volumes, images or containers of everybody", zh: "删除所有容器、镜像或卷" },
        patterns: &["docker|podman system prune --volumes", "docker|podman volume rm|prune", "docker|podman system reset", "docker swarm leave", "docker|docker-compose|podman compose down -v|--volumes", "docker-compose down -v|--volumes", "docker|podman system prune -a|--all -f|--force"],
        examples: &["docker volume prune -f", "docker system prune -a --volumes -f"],
        harmless: &["docker ps"],
    },
    Rule {
        id: "container-change",
        level: Medium,
        reason: Text { en: "removes or changes containers", zh: "删除或更改容器" },
        patterns: &["docker|podman|nerdctl rm|rmi|kill|stop|restart|push|login|exec|update|commit|import|load|cp", "docker|podman container|image|network|system|builder|buildx rm|prune|remove", "docker|docker-compose compose down|rm|kill|restart", "docker-compose down|rm|kill|restart", "docker stack deploy|rm", "docker service update|rm", "helm install|upgrade|rollback", "minikube delete", "kind delete"],
        examples: &["docker rm -f web"],
        harmless: &["docker images"],
    },
    Rule {
        id: "cluster-destroy",
        level: High,
        reason: Text { en: "deletes shared objects of a cluster", zh: "删除集群中的共享资源" },
        patterns: &["kubectl|oc delete ns|namespace|namespaces|ns/*|namespace/*|pv|pvc|node|nodes|crd|crds|clusterrole*|deploy|deployment|deployments|statefulset|statefulsets|sts|svc|service|secret|secrets|configmap|ingress|deployment/*|statefulset/*|svc/*|service/*|pvc/*|pv/*|node/*|secret/*|daemonset|persistentvolumeclaim*|persistentvolume*|customresourcedefinition*|all|job|cronjob|rolebinding|clusterrolebinding !--dry-run", "kubectl|oc delete --all|-A|--all-namespaces|-f|-k|-l", "kubectl drain|taint", "kubectl replace --force", "kubectl create clusterrolebinding", "kubectl create rolebinding", "kubectl scale ~--replicas=0", "helm uninstall|delete|del", "kubeadm reset|join", "k3s-uninstall.sh|k3s-killall.sh|rke2-uninstall.sh", "etcdctl del", "eksctl delete", "argocd app delete", "flux uninstall|delete", "istioctl uninstall", "velero backup|restore delete"],
        examples: &["kubectl delete ns prod", "helm uninstall x"],
        harmless: &["kubectl get ns", "kubectl delete pod x"],
    },
    Rule {
        id: "cluster-change",
        level: Medium,
        reason: Text { en: "changes a cluster", zh: "更改集群" },
        patterns: &["kubectl|oc apply|create|delete|edit|patch|replace|rollout|scale|set|label|annotate|cordon|uncordon|exec|cp|expose|autoscale|run|debug|port-forward|proxy !--dry-run", "kustomize edit", "argocd app sync|set", "flux reconcile"],
        examples: &["kubectl apply -f a"],
        harmless: &["kubectl describe pod x", "kubectl rollout status x --dry-run"],
    },
];
