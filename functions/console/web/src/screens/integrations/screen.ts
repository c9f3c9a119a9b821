import { Plug } from 'lucide-react';
import { msg } from '@/app/i18n';
import { defineScreen } from '@/app/screen';

export default defineScreen({
  nav: { to: '/integrations', label: msg('Integrations'), icon: Plug, order: 60, key: 'i' },
  routes: [
    { path: '/integrations', load: () => import('./index') },
    { path: '/integrations/$integrationId', load: () => import('./Integration') },
  ],
  commands: [{ label: msg('Connect a service'), icon: Plug, to: '/integrations?new=1', needs: 'connect' }],
});
