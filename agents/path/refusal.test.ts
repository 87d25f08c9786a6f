import t from 'tap';
import { AppError, NotFound } from '../../controlplane/base/errors';
import { withRole } from './refusal';

t.test('a refusal names a role, once', async (t) => {
  const help = (message: string) => {
    try {
      return withRole(new AppError('Forbidden', message));
    } catch (error) {
      return (error as Error).message;
    }
  };
  t.equal(help('pods is forbidden'), 'pods is forbidden; ClusterRole k8ts:path has the rights that this needs');
  const secret =
    'secrets "a" is forbidden: User "eve" cannot get resource "secrets" in API group "" in the namespace "x"';
  t.match(help(secret), /needs the right to get this Secret, which ClusterRole k8ts:path does not have/);
  // By the server, for kinds of path.k8ts.io.
  const named = 'hopreports.path.k8ts.io is forbidden; ClusterRole k8ts:path has this right';
  t.equal(help(named), named);
  const other = new NotFound('pod a/b does not exist');
  t.throws(() => withRole(other), other);
});
