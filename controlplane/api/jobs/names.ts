// Labels, annotations and names that Jobs give their pods, and the controller that acts on a Job.

export const controllerUidLabel = 'batch.kubernetes.io/controller-uid';
export const jobNameLabel = 'batch.kubernetes.io/job-name';
/** The labels of releases before 1.27; pods have both. */
export const legacyControllerUidLabel = 'controller-uid';
export const legacyJobNameLabel = 'job-name';

/** An annotation and a label of the pods of indexed Jobs. */
export const completionIndexAnnotation = 'batch.kubernetes.io/job-completion-index';
/** How often earlier pods of this index have failed; with backoffLimitPerIndex. */
export const indexFailureCountAnnotation = 'batch.kubernetes.io/job-index-failure-count';
/** How many of its failures the failure policy ignores. */
export const indexIgnoredFailureCountAnnotation = 'batch.kubernetes.io/job-index-ignored-failure-count';
export const completionIndexVariable = 'JOB_COMPLETION_INDEX';

/** The value of spec.managedBy that means this control plane's own controller, as its absence does. */
export const jobControllerName = 'kubernetes.io/job-controller';
