import { Settings } from 'lucide-react';
import { defineScreen } from '@/app/screen';
import { msg } from '@/app/i18n';

export default defineScreen({
  nav: { to: '/settings', label: msg('Settings'), icon: Settings, order: 90, key: 's' },
  routes: [{ path: '/settings', load: () => import('./index') }],
});
