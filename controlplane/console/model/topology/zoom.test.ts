import t from 'tap';
import { close, fittingZoom, nextZoom, overview, steadyZoom, wholeZoom } from './zoom';

const view = { width: 1000, height: 500 };

t.test('letters stay readable: a large picture is not shrunk to the view, a small one grows a little', async (t) => {
  t.equal(fittingZoom({ width: 1000, height: 250 }, view, overview), 1);
  t.equal(fittingZoom({ width: 5000, height: 250 }, view, overview), 9 / 11);
  t.equal(fittingZoom({ width: 5000, height: 250 }, view, close), 1);
  t.equal(fittingZoom({ width: 200, height: 100 }, view, overview), 1.25);
  t.equal(wholeZoom({ width: 5000, height: 250 }, view), 0.2);
  t.equal(fittingZoom({ width: 100, height: 100 }, { width: 0, height: 0 }, overview), 1, 'before it is measured');
});

t.test('a box that comes or goes does not change the zoom', async (t) => {
  t.equal(steadyZoom(undefined, 1.2), 1.2);
  t.equal(steadyZoom(1, 1.2), 1);
  t.equal(steadyZoom(1, 0.9), 0.9, 'it no longer fits');
  t.equal(steadyZoom(0.82, 1.25), 1.25, 'much has gone');
});

t.test('the buttons go from step to step, and down to the whole picture', async (t) => {
  t.equal(nextZoom(1, 1, 0.3), 1.25);
  t.equal(nextZoom(0.82, 1, 0.3), 1);
  t.equal(nextZoom(2, 1, 0.3), undefined);
  t.equal(nextZoom(0.5, -1, 0.3), 0.3);
  t.equal(nextZoom(0.3, -1, 0.3), undefined);
  t.equal(nextZoom(1.25, -1, 1.6), 1);
  t.equal(nextZoom(1, -1, 1.6), undefined, 'all of it is in view');
});
