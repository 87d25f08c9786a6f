// The field in which a user chooses a container of a pod.
import { useTexts } from '../app/context';

interface Props {
  readonly containers: readonly { readonly name: string }[];
  readonly value: string;
  readonly onChange: (name: string) => void;
  readonly disabled?: boolean;
}

export function ContainerChoice({ containers, value, onChange, disabled = false }: Props) {
  const t = useTexts();
  return (
    <label>
      {t('container')}
      <select
        name="container"
        value={value}
        disabled={disabled}
        onChange={({ currentTarget }) => onChange(currentTarget.value)}
      >
        {containers.map(({ name }) => (
          <option key={name} value={name}>
            {name}
          </option>
        ))}
      </select>
    </label>
  );
}
