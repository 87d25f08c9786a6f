// The workload of a run: a server that ends gracefully, behind each way into it, and the pod whose network the inner client uses.
// As data.

export const namespace = 'traffic';
export const ingressHost = 'traffic.local';
export const replicas = 4;
/**
 * The nodes need a moment to learn that a pod ends: until then it accepts new connections. Five seconds also cover the restart of a
 * kube-proxy that was killed at this moment.
 */
const preStopSeconds = 5;

export const manifests = (clientNode: string): string => `
apiVersion: v1
kind: Namespace
metadata: { name: ${namespace} }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: web, namespace: ${namespace} }
spec:
  replicas: ${replicas}
  strategy: { rollingUpdate: { maxUnavailable: 0, maxSurge: 1 } }
  selector: { matchLabels: { app: web } }
  template:
    metadata: { labels: { app: web } }
    spec:
      terminationGracePeriodSeconds: 30
      topologySpreadConstraints:
        - maxSkew: 1
          topologyKey: kubernetes.io/hostname
          whenUnsatisfiable: ScheduleAnyway
          labelSelector: { matchLabels: { app: web } }
      containers:
        - name: web
          image: k8ts/codereviewapi:1.0
          ports: [{ name: http, containerPort: 8080 }]
          env:
            - { name: POD_NAME, valueFrom: { fieldRef: { fieldPath: metadata.name } } }
            - { name: POD_NAMESPACE, valueFrom: { fieldRef: { fieldPath: metadata.namespace } } }
          readinessProbe: { httpGet: { path: /readyz, port: http }, periodSeconds: 1 }
          lifecycle: { preStop: { sleep: { seconds: ${preStopSeconds} } } }
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: { name: web, namespace: ${namespace} }
spec:
  maxUnavailable: 1
  selector: { matchLabels: { app: web } }
---
apiVersion: v1
kind: Service
metadata: { name: web, namespace: ${namespace} }
spec:
  type: LoadBalancer
  selector: { app: web }
  ports: [{ name: http, port: 80, targetPort: http }]
---
apiVersion: v1
kind: Service
metadata: { name: headless, namespace: ${namespace} }
spec:
  clusterIP: None
  selector: { app: web }
  ports: [{ name: http, port: 8080, targetPort: http }]
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: { name: web, namespace: ${namespace} }
spec:
  ingressClassName: k8ts
  rules:
    - host: ${ingressHost}
      http:
        paths: [{ path: /, pathType: Prefix, backend: { service: { name: web, port: { name: http } } } }]
---
apiVersion: v1
kind: Pod
metadata: { name: client, namespace: ${namespace} }
spec:
  nodeName: ${clientNode}
  terminationGracePeriodSeconds: 0
  containers: [{ name: client, image: 'k8ts/toolbox:1.0', command: [sleep, infinity] }]
`;
