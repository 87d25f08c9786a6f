import t from 'tap';
import { Answers } from './metrics';

t.test('answers are counted by status, in order of the status', async (t) => {
  const answers = new Answers();
  for (const status of [503, 200, 200, 404]) answers.count(status);
  t.equal(
    answers.render(),
    `# HELP k8ts_ingress_requests_total Requests answered, by status.
# TYPE k8ts_ingress_requests_total counter
k8ts_ingress_requests_total{code="200"} 2
k8ts_ingress_requests_total{code="404"} 1
k8ts_ingress_requests_total{code="503"} 1
`,
  );
});
