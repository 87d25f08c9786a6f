// How large the picture is drawn, so that its letters can be read: a picture that does not fit is moved, not shrunk. Pure.
import type { Size } from './sizes';

/** The smallest letters of the picture, in pixels, at a zoom of 1. */
const letters = 11;
/** On start letters are at least 9 pixels high; around what is chosen, 11. */
export const overview = { least: 9 / letters, most: 1.25 } as const;
export const close = { least: 1, most: 1.4 } as const;

type Limits = Readonly<Record<'least' | 'most', number>>;

/** The zoom at which all of the picture is in view. */
export const wholeZoom = (picture: Size, view: Size): number =>
  picture.width > 0 && picture.height > 0 && view.width > 0 && view.height > 0
    ? Math.min(view.width / picture.width, view.height / picture.height)
    : 1;

export const fittingZoom = (picture: Size, view: Size, { least, most }: Limits): number =>
  Math.min(most, Math.max(least, wholeZoom(picture, view)));

/** A box that comes or goes need not change the size of all others: only what no longer fits, or has become much smaller than the view. */
export const steadyZoom = (last: number | undefined, wanted: number): number =>
  last !== undefined && last <= wanted && wanted < last * 1.3 ? last : wanted;

const steps = [0.25, 0.5, 0.75, 1, 1.25, 1.5, 2] as const;

/** What the buttons − and + lead to; undefined at the end. `whole` is the smallest one that makes sense. */
export function nextZoom(zoom: number, direction: 1 | -1, whole: number): number | undefined {
  const small = 0.02;
  if (direction > 0) return steps.find((step) => step > zoom + small);
  const smallest = Math.min(whole, 1);
  if (zoom <= smallest + small) return undefined;
  return Math.max(smallest, [...steps].reverse().find((step) => step < zoom - small) ?? smallest);
}
